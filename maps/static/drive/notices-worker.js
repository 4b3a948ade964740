// Shows the notifications of the driver page, and leads back to it. It keeps nothing and sees no request.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(toPage());
});

async function toPage() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  await pages.find(({ url }) => new URL(url).pathname.endsWith("/drive"))?.focus();
}
