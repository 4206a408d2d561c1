-- A workspace that has rules of its own.
select sync.set_agent_rules('00000000-0000-7000-8000-000000000001', 50000, array['sample']);
