-- A note does not say how far its embedding is.
drop type search.embedding;
