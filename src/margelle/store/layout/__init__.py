"""How measurements are laid out in every database: pieces as they came, folded into chunks, with the newest and the statistics of days beside them.

The rules are here, over tables that each database brings (`tables`).
"""
