"""A real HTTP/1.1 server that tells what it was asked; a program, so that it can be restarted.

`/slow` answers after 0.3 s, `/events` sends three server-sent events 0.3 s apart, `/hang-up` ends
the connection in the middle of its answer, every other path answers at once. SIGTERM ends it at
once, as most development servers do.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/events":
            self.send_events()
        elif self.path == "/hang-up":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.close_connection = True
        else:
            time.sleep(0.3 if self.path == "/slow" else 0)
            self.describe(b"")

    def do_POST(self):
        self.describe(self.rfile.read(int(self.headers["Content-Length"])))

    def describe(self, body):
        answer = {
            "name": sys.argv[3],
            "pid": os.getpid(),
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body_bytes": len(body),
        }
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            event = f"data: {number}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.3)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    with Server((sys.argv[1], int(sys.argv[2])), Upstream) as server:
        print("listening", flush=True)
        server.serve_forever()
