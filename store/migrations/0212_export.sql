-- The facts of orders that are read.
CREATE VIEW insight_orders AS SELECT f.* FROM fact_orders f WHERE f.generation = (SELECT g.generation FROM insight_generations g WHERE g.is_live);
