package dev.oms.console;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP proxy, such as between the browser and OMS, that can simulate a network outage. */
public final class TcpProxy implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Set<Socket> silenced = ConcurrentHashMap.newKeySet();
    private volatile boolean isDown;
    private volatile boolean isSilent;

    /** @param target the port of the server */
    public TcpProxy(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** Closes all connections, and refuses new ones until {@link #restore()}. */
    public void disconnect() {
        isDown = true;
        open.forEach(TcpProxy::close);
    }

    public void restore() {
        isDown = false;
        isSilent = false;
    }

    /**
     * From now on drops whatever arrives on open connections, for ever, and on new ones, until {@link #restore()}. None
     * is closed, so neither side notices.
     */
    public void silence() {
        silenced.addAll(open);
        isSilent = true;
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
                if (isSilent) {
                    silenced.add(browser);
                    silenced.add(oms);
                }
                Thread.ofVirtual().start(() -> copy(browser, oms));
                Thread.ofVirtual().start(() -> copy(oms, browser));
            } catch (IOException e) {
                // The proxy was closed, or the browser has hung up already.
            }
        }
    }

    private void copy(Socket from, Socket to) {
        try {
            byte[] buffer = new byte[8192];
            int length;
            while ((length = from.getInputStream().read(buffer)) >= 0) {
                if (!silenced.contains(from)) {
                    to.getOutputStream().write(buffer, 0, length);
                }
            }
        } catch (IOException e) {
            // Either side has closed the connection.
        } finally {
            close(from);
            close(to);
            open.remove(from);
            open.remove(to);
            silenced.remove(from);
            silenced.remove(to);
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
