-- usual_zone() --
SELECT time_zone FROM campaigns GROUP BY time_zone ORDER BY count(*) DESC, time_zone LIMIT 1
