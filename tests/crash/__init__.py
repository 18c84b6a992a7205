"""The kill loop: a real server under load, killed at random moments, and a checker that shares no code with
it.

``world`` runs the processes, ``load`` and ``readers`` are the users, ``journal`` keeps what they were told,
``kills`` chooses the moments, ``facts`` reads the store with its own SQL, ``rules``, ``promises`` and
``answers`` judge, ``loop`` and ``restarts`` put it together, ``many`` starts with many orders.
"""
