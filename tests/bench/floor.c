/* The least a fan-out can cost: a loop of send() over connected sockets.

   Prints its port, takes as many connections as its argument says and answers each like a WebSocket server, then
   obeys lines on standard input, "changes together pause_us bytes": it sends so many messages of so many bytes to
   every socket, `together` of them joined into one write, with a pause after each such batch, and prints "sent".
   End of input ends it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 8192 };
static int sockets[MOST];

static void greet(int fd) {
    char heard[4096];
    size_t have = 0;
    do {
        ssize_t got = recv(fd, heard + have, sizeof heard - 1 - have, 0);
        if (got <= 0) exit(1);
        have += got;
        heard[have] = 0;
    } while (!strstr(heard, "\r\n\r\n") && have < sizeof heard - 1);
    const char *answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    if (send(fd, answer, strlen(answer), 0) < 0) exit(1);
}

static void send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) exit(1);
        data += sent;
        size -= sent;
    }
}

static int open_door(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(door, (struct sockaddr *)&address, length) || listen(door, 1024)) exit(1);
    getsockname(door, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return door;
}

int main(int argc, char **argv) {
    int expected = argc > 1 ? atoi(argv[1]) : 0;
    if (expected < 1 || expected > MOST) return 2;
    int door = open_door();
    for (int i = 0; i < expected; i++) {
        int one = 1;
        sockets[i] = accept(door, NULL, NULL);
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        greet(sockets[i]);
    }
    int changes, together, pause_us, bytes;
    while (scanf("%d %d %d %d", &changes, &together, &pause_us, &bytes) == 4) {
        size_t size = (size_t)bytes * together;
        char *data = malloc(size);
        if (!data) return 1;
        memset(data, 'x', size);
        for (int batch = 0; batch < changes / together; batch++) {
            for (int i = 0; i < expected; i++) send_all(sockets[i], data, size);
            if (pause_us) usleep(pause_us);
        }
        free(data);
        printf("sent\n");
        fflush(stdout);
    }
    return 0;
}
