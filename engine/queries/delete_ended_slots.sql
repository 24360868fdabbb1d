-- Slots of runs that have ended and of attempts that are over: a crash came before they were given back.
delete from onward.slot s
where s.key = $1
    and (
        not exists (select from onward.job j where j.run_id = s.run_id and j.path = '')
        or exists (
            select from onward.checkpoint c where c.run_id = s.run_id and c.path = s.path and c.attempt >= s.attempt
        )
    )
