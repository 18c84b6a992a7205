"""What is held to the same rules."""

from typing import TypeAlias

from support.stores.accounts import MemoryAccounts
from support.stores.orders import MemoryStore
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.orders import SqlOrderStore

AccountStore: TypeAlias = MemoryAccounts | SqlAccountStore
OrderStore: TypeAlias = MemoryStore | SqlOrderStore
