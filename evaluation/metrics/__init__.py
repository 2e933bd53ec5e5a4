"""Numbers from predictions and gold: trusted side, pure functions, no torch.

found = predictions.read_predictions(definition, folder)   # hostile files become arrays, or BadOutput
values = scoring.score(definition, gold, found)            # metrics with intervals, the primary one first
"""
