-- What signs the addresses of files.
select key from onward.file_key
