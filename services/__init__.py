"""Everything beyond the main job: other vendors of models, speech, pictures, analytics, export."""
