"""Training: texts and a configuration come in, a run's folder with the best model goes out. Needs torch."""
