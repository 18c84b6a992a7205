"""Fill one slice from books, and say beforehand what an order would cost."""
