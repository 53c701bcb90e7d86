"""The model floor: turns texts and images into unit vectors. Knows no database and no Django."""
