-- The one clock that decides.
select onward.now() as "now!"
