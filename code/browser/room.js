// Shows the messages of the room, and connects again whenever the connection ends.

// ANCHOR: room
export function joinRoom(showMessage) {
  const url = location.origin.replace(/^http/, "ws") + "/room"; // https becomes wss
  let socket;
  function connect() {
    socket = new WebSocket(url);
    socket.addEventListener("message", (event) => showMessage(event.data));
    socket.addEventListener("close", () => {
      // The wait is random, so that not all clients connect at the same moment.
      setTimeout(connect, 1000 + Math.random() * 4000);
    });
  }
  connect();
  return function send(text) {
    if (socket.readyState !== WebSocket.OPEN) return false; // try again later
    socket.send(text);
    return true;
  };
}
// ANCHOR_END: room
