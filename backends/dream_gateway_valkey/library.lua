-- The library's doors: what the gateway calls, each under a name that ends in the library's version.
--
-- keys: BASEi and BASE-. args: the ledger's name, the time in microseconds ('' for the server's
-- own), and the verb's. Answers an error LOST, and does nothing, where the shard is not of that ledger.

local function register(name, verb)
  server.register_function(name .. '_VERSION', function(keys, args)
    if server.call('GET', keys[1]) ~= args[1] then
      return server.error_reply('LOST the data of this ledger')
    end
    local books = open_books(keys[1]:sub(1, -2), args[2])
    table.remove(args, 1)
    table.remove(args, 1)
    return verb(books, args)
  end)
end

register('dream_take', verb_take)
register('dream_give_back', verb_give_back)
register('dream_refund', verb_refund)
register('dream_record', verb_record)
register('dream_usage', verb_usage)
register('dream_survey', verb_survey)
register('dream_prune', verb_prune)
