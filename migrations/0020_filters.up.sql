-- Notes are found by their exact path and by facts about their files too, in lists and in questions alike.

alter type search.filter add attribute path text, add attribute author_email text, add attribute file_modified_since timestamptz,
  add attribute file_modified_before timestamptz;
