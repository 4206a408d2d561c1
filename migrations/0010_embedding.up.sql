-- What a claim hands to the worker, who cuts notes that nobody cut, counts words, and fetches vectors.

-- Texts of one request to a provider are bounded; so is what one claim hands out.
create type search.claim as (
  -- The notes that are now leased: workspace, note, and the hash of the text as it is.
  notes json,
  -- What lacks a vector: workspace, hash, text.
  texts json
);

grant select, insert, update, delete on search.providers to noted_api;
