-- every_shard() --
SELECT shard_key FROM shards
