"""Training, with torch: a run's folder holds its model, its curves and how to go on."""
