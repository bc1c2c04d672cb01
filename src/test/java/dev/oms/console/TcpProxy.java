package dev.oms.console;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP proxy between the browser and OMS that can simulate a network outage. */
final class TcpProxy implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean isDown;

    /** @param target the port of OMS */
    TcpProxy(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    /** Closes all connections, and refuses new ones until {@link #restore()}. */
    void disconnect() {
        isDown = true;
        open.forEach(TcpProxy::close);
    }

    void restore() {
        isDown = false;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket browser = server.accept();
                if (isDown) {
                    close(browser);
                    continue;
                }
                Socket oms = new Socket(InetAddress.getLoopbackAddress(), target);
                open.add(browser);
                open.add(oms);
                Thread.ofVirtual().start(() -> copy(browser, oms));
                Thread.ofVirtual().start(() -> copy(oms, browser));
            } catch (IOException e) {
                // The proxy was closed, or the browser has hung up already.
            }
        }
    }

    private void copy(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // Either side has closed the connection.
        } finally {
            close(from);
            close(to);
            open.remove(from);
            open.remove(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        disconnect();
        server.close();
    }
}
