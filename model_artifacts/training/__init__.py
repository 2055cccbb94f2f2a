"""Makes the models: `python -m model_artifacts.training --model application --data CSV`."""
