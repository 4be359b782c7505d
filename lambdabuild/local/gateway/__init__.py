"""HTTP in front of functions as API Gateway and load balancers are: routes, authorizers, CORS."""
