-- Demo rows for the baseline. Ids of organizations, users and customers are fixed, so that examples can name them;
-- dates are relative to the day of seeding, so that there is always a renewal within reach of each threshold.
-- Both organizations have an "Acme Corp" (tenants must not see each other's), and Demo Company has two customers
-- named "Initech" (a name alone does not say which is meant).

INSERT INTO public.organizations (id, name, slug, plan) VALUES
  ('d0000000-0000-4000-8000-000000000001', 'Demo Company', 'demo', 'enterprise'),
  ('d0000000-0000-4000-8000-000000000002', 'Northwind Traders', 'northwind', 'growth');

INSERT INTO public.user_profiles (id, email, full_name, role) VALUES
  ('a0000000-0000-4000-8000-000000000001', 'dana.reyes@demo.example', 'Dana Reyes', 'csm'),
  ('a0000000-0000-4000-8000-000000000002', 'alex.moreau@demo.example', 'Alex Moreau', 'admin'),
  ('a0000000-0000-4000-8000-000000000003', 'sam.okafor@demo.example', 'Sam Okafor', 'csm'),
  ('a0000000-0000-4000-8000-000000000004', 'vera.lind@demo.example', 'Vera Lind', 'viewer'),
  ('a0000000-0000-4000-8000-000000000005', 'noor.haddad@northwind.example', 'Noor Haddad', 'admin'),
  ('a0000000-0000-4000-8000-000000000006', 'tom.brandt@northwind.example', 'Tom Brandt', 'csm');

INSERT INTO public.org_members (organization_id, user_id, role) VALUES
  ('d0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'csm'),
  ('d0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 'admin'),
  ('d0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000003', 'csm'),
  ('d0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000004', 'viewer'),
  ('d0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000005', 'admin'),
  ('d0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000006', 'csm');

INSERT INTO public.customers (
  id, organization_id, name, domain, industry, arr, health_score, tier, segment, stage, csm_id, csm_name,
  renewal_date, contract_start, contract_end, external_id, external_source, employee_count
)
SELECT
  ('c0000000-0000-4000-8000-' || lpad(demo.number::text, 12, '0'))::uuid,
  organizations.id, demo.name, demo.domain, demo.industry, demo.arr, demo.health_score, demo.tier, demo.segment,
  demo.stage, user_profiles.id, user_profiles.full_name, current_date + demo.renews_in,
  current_date + demo.renews_in - 365, current_date + demo.renews_in, 'CRM-' || (10000 + demo.number), 'salesforce',
  demo.employee_count
FROM (VALUES
  (1, 'demo', 'Acme Corp', 'acme.com', 'Manufacturing', 120000, 85, 'Gold', 'Enterprise', 'Adoption', 'dana.reyes@demo.example', 45, 1200),
  (2, 'demo', 'Globex', 'globex.example', 'Energy', 84000, 72, 'Gold', 'Enterprise', 'Adoption', 'dana.reyes@demo.example', 5, 900),
  (3, 'demo', 'Initech', 'initech.example', 'Software', 36000, 58, 'Silver', 'Mid-Market', 'Adoption', 'sam.okafor@demo.example', 25, 250),
  (4, 'demo', 'Initech', 'initech-europe.example', 'Software', 21000, 66, 'Silver', 'Mid-Market', 'Onboarding', 'sam.okafor@demo.example', 200, 140),
  (5, 'demo', 'Umbrella Health', 'umbrella.example', 'Healthcare', 210000, 34, 'Platinum', 'Enterprise', 'Renewal', 'dana.reyes@demo.example', 80, 5400),
  (6, 'demo', 'Stark Logistics', 'stark.example', 'Logistics', 64000, 91, 'Gold', 'Mid-Market', 'Expansion', 'dana.reyes@demo.example', 200, 480),
  (7, 'demo', 'Wayne Insurance', 'wayne.example', 'Insurance', 150000, 77, 'Platinum', 'Enterprise', 'Adoption', 'sam.okafor@demo.example', 25, 2300),
  (8, 'demo', 'Hooli', 'hooli.example', 'Software', 98000, 49, 'Gold', 'Enterprise', 'Adoption', 'sam.okafor@demo.example', 45, 3100),
  (9, 'demo', 'Pied Piper', 'piedpiper.example', 'Software', 12000, 88, 'Bronze', 'SMB', 'Onboarding', 'sam.okafor@demo.example', 200, 18),
  (10, 'demo', 'Soylent Foods', 'soylent.example', 'Food', 45000, 63, 'Silver', 'Mid-Market', 'Adoption', 'dana.reyes@demo.example', 80, 620),
  (11, 'demo', 'Vandelay Industries', 'vandelay.example', 'Import and Export', 27000, 28, 'Bronze', 'SMB', 'Renewal', 'sam.okafor@demo.example', 5, 45),
  (12, 'demo', 'Café Zürich', 'cafe-zuerich.example', 'Hospitality', 9000, 80, 'Bronze', 'SMB', 'Adoption', 'dana.reyes@demo.example', 200, 32),
  (21, 'northwind', 'Acme Corp', 'acme.com', 'Manufacturing', 51000, 70, 'Silver', 'Mid-Market', 'Adoption', 'tom.brandt@northwind.example', 45, 1200),
  (22, 'northwind', 'Contoso', 'contoso.example', 'Retail', 132000, 82, 'Gold', 'Enterprise', 'Expansion', 'tom.brandt@northwind.example', 25, 4100),
  (23, 'northwind', 'Fabrikam', 'fabrikam.example', 'Construction', 47000, 55, 'Silver', 'Mid-Market', 'Adoption', 'tom.brandt@northwind.example', 80, 380),
  (24, 'northwind', 'Tailspin Toys', 'tailspin.example', 'Retail', 18000, 38, 'Bronze', 'SMB', 'Renewal', 'tom.brandt@northwind.example', 5, 75)
) AS demo (number, slug, name, domain, industry, arr, health_score, tier, segment, stage, csm_email, renews_in, employee_count)
JOIN public.organizations ON organizations.slug = demo.slug
JOIN public.user_profiles ON user_profiles.email = demo.csm_email;

INSERT INTO public.renewals (organization_id, customer_id, renewal_date, current_arr, proposed_arr, stage, probability, risk_level, csm_id, owner_name)
SELECT organization_id, id, renewal_date, arr, round(arr * 1.05, 2),
  CASE WHEN renewal_date <= current_date + 30 THEN 'negotiation' WHEN renewal_date <= current_date + 90 THEN 'preparation' ELSE 'not_started' END,
  CASE WHEN health_score < 40 THEN 35 WHEN health_score < 70 THEN 65 ELSE 90 END,
  CASE WHEN health_score < 40 THEN 'high' WHEN health_score < 70 THEN 'medium' ELSE 'low' END,
  csm_id, csm_name
FROM public.customers;

INSERT INTO public.health_scores (organization_id, customer_id, overall, overall_color, product, risk, outcomes, voice, engagement)
SELECT organization_id, id, health_score,
  CASE WHEN health_score < 40 THEN 'red' WHEN health_score < 70 THEN 'yellow' ELSE 'green' END,
  health_score, health_score, health_score, health_score, health_score
FROM public.customers;

INSERT INTO public.stakeholders (organization_id, customer_id, name, email, role, title, is_champion, is_decision_maker, is_primary, sentiment)
SELECT customers.organization_id, customers.id, demo.name, demo.email, demo.role, demo.title, demo.role = 'Champion',
  demo.role = 'Decision maker', demo.is_primary, demo.sentiment
FROM (VALUES
  (1, 'Sarah Johnson', 'sarah.johnson@acme.com', 'Champion', 'VP Operations', true, 'positive'),
  (1, 'Miguel Torres', 'miguel.torres@acme.com', 'Decision maker', 'Chief Financial Officer', false, 'neutral'),
  (2, 'Priya Nair', 'priya.nair@globex.example', 'Champion', 'Head of Digital', true, 'positive'),
  (5, 'Ruth Feldman', 'ruth.feldman@umbrella.example', 'Decision maker', 'Chief Information Officer', true, 'negative'),
  (8, 'Gavin Stone', 'gavin.stone@hooli.example', 'User', 'Product Manager', true, 'neutral'),
  (21, 'Sarah Johnson', 'sarah.johnson@acme.com', 'User', 'VP Operations', true, 'neutral'),
  (22, 'Ines Costa', 'ines.costa@contoso.example', 'Champion', 'Director of Stores', true, 'positive')
) AS demo (number, name, email, role, title, is_primary, sentiment)
JOIN public.customers ON customers.id = ('c0000000-0000-4000-8000-' || lpad(demo.number::text, 12, '0'))::uuid;

INSERT INTO public.tasks (organization_id, customer_id, title, description, status, priority, due_date, completed_at, assignee_id)
SELECT customers.organization_id, customers.id, demo.title, demo.description, demo.status, demo.priority,
  current_date + demo.due_in, CASE WHEN demo.status = 'completed' THEN now() - interval '1 day' END, customers.csm_id
FROM (VALUES
  (1, 'Schedule the quarterly business review', 'Agree on goals for the next quarter', 'pending', 'high', 14),
  (1, 'Send the onboarding survey', 'Five questions to the operations team', 'completed', 'medium', -2),
  (2, 'Prepare the renewal proposal', 'Include the multi-year option', 'in_progress', 'urgent', 3),
  (5, 'Call the executive sponsor', 'Health is critical: agree on a recovery plan', 'pending', 'urgent', 1),
  (9, 'Kick-off workshop', 'Set up the first three playbooks', 'pending', 'medium', 7),
  (22, 'Plan the roll-out to the southern region', 'Twelve more stores', 'pending', 'medium', 21)
) AS demo (number, title, description, status, priority, due_in)
JOIN public.customers ON customers.id = ('c0000000-0000-4000-8000-' || lpad(demo.number::text, 12, '0'))::uuid;

INSERT INTO public.risk_signals (organization_id, customer_id, signal_type, severity, description, auto_detected, source, metadata)
SELECT customers.organization_id, customers.id, demo.signal_type, demo.severity, demo.description, demo.auto_detected,
  'demo', demo.metadata::jsonb
FROM (VALUES
  (5, 'usage_drop', 'high', 'Weekly active users fell by 40% in a month', true, '{"arr_at_risk": 90000}'),
  (8, 'champion_left', 'high', 'The primary champion has left the company', false, '{"arr_at_risk": 50000}'),
  (11, 'payment_issue', 'critical', 'The last two invoices are overdue', true, '{}'),
  (24, 'support_escalation', 'medium', 'Three escalated tickets in two weeks', true, '{}')
) AS demo (number, signal_type, severity, description, auto_detected, metadata)
JOIN public.customers ON customers.id = ('c0000000-0000-4000-8000-' || lpad(demo.number::text, 12, '0'))::uuid;
