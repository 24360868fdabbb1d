-- Is there such a run, and has it ended?
select status::text as "status?" from onward.run where id = $1
