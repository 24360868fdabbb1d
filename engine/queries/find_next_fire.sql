-- When does the next cron trigger fire?
select min(next_at) as "next_at?" from onward.trigger where next_at is not null
