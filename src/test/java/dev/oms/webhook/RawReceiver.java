package dev.oms.webhook;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A receiver that answers what no HTTP server would. */
final class RawReceiver implements AutoCloseable {
    private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)\r\n");

    private final ServerSocket server;
    private final Behaviour behaviour;
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<Socket> connections = new CopyOnWriteArrayList<>();

    /** What it does with a request, of which it is asked for each; closes the connection afterwards if it says so. */
    @FunctionalInterface
    interface Behaviour {
        void answer(Socket connection, OutputStream out) throws Exception;
    }

    RawReceiver(Behaviour behaviour) throws IOException {
        this("127.0.0.1", 0, behaviour);
    }

    RawReceiver(String address, int port, Behaviour behaviour) throws IOException {
        this.server = new ServerSocket(port, 100, InetAddress.ofLiteral(address));
        this.behaviour = behaviour;
        Thread.ofVirtual().start(this::accept);
    }

    static Behaviour answering(String answer) {
        return (connection, out) -> out.write(answer.getBytes(StandardCharsets.UTF_8));
    }

    private void accept() {
        try {
            while (true) {
                Socket connection = server.accept();
                connections.add(connection);
                Thread.ofVirtual().start(() -> serve(connection));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            InputStream in = connection.getInputStream();
            String request = read(in);
            while (request != null) {
                requests.add(request);
                behaviour.answer(connection, connection.getOutputStream());
                connection.getOutputStream().flush();
                request = read(in);
            }
        } catch (Exception e) {
            // The client has gone.
        }
    }

    /** A whole request, or null at the end. */
    private static String read(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (!bytes.toString(StandardCharsets.UTF_8).endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                return null;
            }
            bytes.write(next);
        }
        Matcher length = LENGTH.matcher(bytes.toString(StandardCharsets.UTF_8));
        if (length.find()) {
            bytes.write(in.readNBytes(Integer.parseInt(length.group(1))));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    int port() {
        return server.getLocalPort();
    }

    /** Heads and bodies. */
    List<String> requests() {
        return requests;
    }

    int connections() {
        return connections.size();
    }

    @Override
    public void close() {
        try {
            server.close();
            for (Socket connection : connections) {
                connection.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
