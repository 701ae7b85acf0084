"""Points, series, histograms, windows, health."""
