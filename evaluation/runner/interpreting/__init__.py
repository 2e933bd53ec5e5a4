"""What single answers rest on, found after the items are answered and written (evaluation-notes 6).

Nothing here changes an answer. What cannot be had is absent, with the reason.
"""

PROTOCOL = 1  # raise it when attributions are made in another way
FILE = "attributions.json"
