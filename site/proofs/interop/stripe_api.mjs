// Stands in for Stripe's API: creates pages to pay on, and tells the test what the last one was
// created with.
import { createServer } from "node:http";

let created = "";

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  response.setHeader("content-type", "application/json");
  if (request.url === "/last") {
    response.end(JSON.stringify(Object.fromEntries(new URLSearchParams(created))));
  } else if (request.method === "POST" && request.url === "/v1/checkout/sessions") {
    created = body;
    response.end(JSON.stringify({ id: "cs_test_1", status: "open", url: "https://pay.example/1" }));
  } else {
    response.statusCode = 404;
    response.end(JSON.stringify({ error: { message: `${request.method} ${request.url}` } }));
  }
});

server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
