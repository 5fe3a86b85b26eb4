// A file of its own, since the page's policy lets no script run that stands in the page. validatorUrl is another host.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
