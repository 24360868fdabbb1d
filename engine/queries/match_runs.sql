-- The runs whose ids lie in a range, which is what a shortened id stands for. Two are enough to know that it is not unique.
select r.id from onward.run r where r.id >= $1 and r.id <= $2 order by r.id limit 2
