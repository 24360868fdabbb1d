-- Rates that have been free for a day begin anew when somebody asks.
delete from onward.rate
where key in (select key from onward.rate where next_at < onward.now() - interval '1 day' limit $1)
