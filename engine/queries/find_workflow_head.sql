-- What starting a run by hand has to know.
select w.version, w.enabled from onward.workflow w where w.id = $1
