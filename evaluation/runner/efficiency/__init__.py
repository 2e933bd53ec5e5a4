"""What a run costs, measured after its items are answered and written (evaluation-notes 7).

Nothing here changes an answer. A figure that cannot be had is absent, with the reason.
"""

PROTOCOL = 1  # raise it when a figure is measured in another way
