-- A template as Meta knows it.
select status, params, header from onward.whatsapp_template where name = $1 and language = $2
