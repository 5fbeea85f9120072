"""What the accuracies of a study come to: effects with intervals, tables, claims."""
