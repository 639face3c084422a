-- names_of_lists(import_ids) --
SELECT import_id AS id, file_name AS name FROM imports WHERE import_id = ANY($1::bigint [])
