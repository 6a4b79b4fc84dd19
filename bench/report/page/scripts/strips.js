// Strips beneath videos come here.
