"""Where labelled examples come from: sources, splits and batches."""
