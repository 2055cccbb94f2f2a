"""The fraud model: simulator, published baseline, our features, training, export."""
