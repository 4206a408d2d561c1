-- Notes are found by the beginning of their path only.

alter type search.filter drop attribute path, drop attribute author_email, drop attribute file_modified_since,
  drop attribute file_modified_before;
