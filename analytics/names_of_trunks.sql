-- names_of_trunks(trunk_ids) --
SELECT trunk_id AS id, name FROM trunks WHERE trunk_id = ANY($1::integer [])
