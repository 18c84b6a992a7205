"""Listen to exchanges. Others see of it what ``market_data.LiveMarket`` offers."""
