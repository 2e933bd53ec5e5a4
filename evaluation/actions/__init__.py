"""Every change of state in evaluation, one verb each."""
