"""The intermediate representations: graphs (`graph`) and loop nests (`loops`)."""
