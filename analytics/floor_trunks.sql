-- floor_trunks() --
SELECT trunk_id, name, max_channels, max_calls_per_second FROM trunks ORDER BY trunk_id
