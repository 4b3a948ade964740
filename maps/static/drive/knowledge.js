/** How old what the page knows is: from the last word of the service, not from when a cut was noticed. */

export class Knowledge {
  /** @type {Date | null} */
  heard = null;
  /** @type {string} as told by the stream */
  state = "";

  /** Return what opens a socket and listens in on it. @returns {(address: string, protocol: string) => WebSocket} */
  get open() {
    return (address, protocol) => {
      const socket = new WebSocket(address, protocol);
      socket.addEventListener("message", () => this.renew());
      return socket;
    };
  }

  /** Take note that the service was heard. */
  renew() {
    this.heard = new Date();
  }

  /** Whether what is known is known to be true now. */
  get isLive() {
    return this.state === "live" && navigator.onLine !== false;
  }
}
