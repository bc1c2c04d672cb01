package dev.oms.kubernetes;

import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPeer;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPort;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The traffic that a namespace's network policies allow. Relies on the model to turn missing lists into empty ones. */
record Traffic(List<V1NetworkPolicy> policies) {
    /** A pod in the namespace, a pod in another namespace, or an address outside the cluster. */
    sealed interface Endpoint {
        record Pod(Map<String, String> labels) implements Endpoint {}

        record ForeignPod(Map<String, String> namespace, Map<String, String> labels) implements Endpoint {}

        record External(String address) implements Endpoint {}
    }

    /** A destination port, such as TCP 5432. */
    private record Port(String protocol, int number) {}

    /** Whether TCP connections are allowed. */
    boolean reaches(Endpoint from, Endpoint to, int port) {
        return reaches(from, to, "TCP", port);
    }

    boolean reaches(Endpoint from, Endpoint to, String protocol, int number) {
        Port port = new Port(protocol, number);
        return allows("Egress", from, to, port) && allows("Ingress", to, from, port);
    }

    private boolean allows(String direction, Endpoint pod, Endpoint peer, Port port) {
        if (!(pod instanceof Endpoint.Pod(Map<String, String> labels))) {
            // This namespace's policies do not restrict pods elsewhere.
            return true;
        }
        List<V1NetworkPolicy> own = policies.stream()
                .filter(policy -> policy.getSpec().getPolicyTypes().contains(direction))
                .filter(policy -> matches(policy.getSpec().getPodSelector(), labels))
                .toList();
        return own.isEmpty()
                || own.stream().flatMap(policy -> rules(policy, direction)).anyMatch(rule -> rule.allows(peer, port));
    }

    private record Rule(List<V1NetworkPolicyPeer> peers, List<V1NetworkPolicyPort> ports) {
        boolean allows(Endpoint peer, Port port) {
            return (peers.isEmpty() || peers.stream().anyMatch(allowed -> matches(allowed, peer)))
                    && (ports.isEmpty() || ports.stream().anyMatch(allowed -> matches(allowed, port)));
        }
    }

    private static Stream<Rule> rules(V1NetworkPolicy policy, String direction) {
        return direction.equals("Egress")
                ? policy.getSpec().getEgress().stream().map(rule -> new Rule(rule.getTo(), rule.getPorts()))
                : policy.getSpec().getIngress().stream().map(rule -> new Rule(rule.getFrom(), rule.getPorts()));
    }

    private static boolean matches(V1NetworkPolicyPort allowed, Port port) {
        return port.protocol().equals(allowed.getProtocol())
                && allowed.getPort().isInteger()
                && allowed.getPort().getIntValue() == port.number();
    }

    private static boolean matches(V1NetworkPolicyPeer allowed, Endpoint peer) {
        return switch (peer) {
            case Endpoint.Pod(Map<String, String> labels) ->
                allowed.getNamespaceSelector() == null && matches(allowed.getPodSelector(), labels);
            case Endpoint.ForeignPod(Map<String, String> namespace, Map<String, String> labels) ->
                allowed.getNamespaceSelector() != null
                        && matches(allowed.getNamespaceSelector(), namespace)
                        && (allowed.getPodSelector() == null || matches(allowed.getPodSelector(), labels));
            case Endpoint.External(String address) ->
                allowed.getIpBlock() != null
                        && contains(allowed.getIpBlock().getCidr(), address)
                        && allowed.getIpBlock().getExcept().stream().noneMatch(range -> contains(range, address));
        };
    }

    static boolean matches(V1LabelSelector selector, Map<String, String> labels) {
        if (selector == null) {
            return false;
        }
        return labels.entrySet().containsAll(selector.getMatchLabels().entrySet())
                && selector.getMatchExpressions().stream()
                        .allMatch(in ->
                                in.getOperator().equals("In") && in.getValues().contains(labels.get(in.getKey())));
    }

    /** Of addresses of IPv4 only. */
    private static boolean contains(String cidr, String address) {
        if (cidr.contains(":")) {
            return false;
        }
        String[] network = cidr.split("/");
        int hostBits = 32 - Integer.parseInt(network[1]);
        return bits(network[0]) >>> hostBits == bits(address) >>> hostBits;
    }

    private static long bits(String address) {
        long bits = 0;
        for (String part : address.split("\\.")) {
            bits = bits << 8 | Integer.parseInt(part);
        }
        return bits;
    }
}
